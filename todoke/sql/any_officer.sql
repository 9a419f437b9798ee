select exists (select from officer)
