-- Mail that came back after it had been accepted: few, so that a search for them need not go along
-- all mail. Days that are there already are searched without it until they are forgotten.
CREATE INDEX events_returned ON ONLY events (recipient_id) WHERE kind = 'bounced-later';
