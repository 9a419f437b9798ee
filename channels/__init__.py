"""How a message leaves: the channel contract, its adapters, and the sandbox of provider look-alikes."""
