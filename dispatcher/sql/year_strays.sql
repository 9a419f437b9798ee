-- Whether anything stands outside every year.
select exists (select from batch_default) or exists (select from message_default)
