-- The portal shows what became of a phone's last push, and what happened to one account.
CREATE INDEX stages_sent ON stages (device_id, at) WHERE stage = 'sent';
CREATE INDEX audit_of_user ON audit (user_id, place) WHERE user_id IS NOT NULL;
