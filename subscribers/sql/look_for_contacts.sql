select exists (select from contact)
