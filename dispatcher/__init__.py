"""The engine: events become dispatches, are planned into batches, limited, sent and recorded."""
