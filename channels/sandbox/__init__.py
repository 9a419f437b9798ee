"""Look-alikes of LINE, Twilio and a mail relay on loopback, in a process of their own.

They check every request against the provider's published rules, write what they accept to disk
before they answer, and misbehave on a seeded schedule when asked. `docs/sandbox.md` names the
files, the faults and the control endpoints.
"""
