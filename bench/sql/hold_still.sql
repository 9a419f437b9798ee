lock table subscriber, place, contact, position in share mode
