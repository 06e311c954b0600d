-- Mail that came back after it had been accepted: few, so that a search for them need not go along
-- all mail.
CREATE INDEX events_returned ON events (recipient_id) WHERE kind = 'bounced-later';
