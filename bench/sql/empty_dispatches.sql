truncate event, attempt, receipt cascade
