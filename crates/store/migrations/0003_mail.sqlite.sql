-- Where notices and links go by e-mail.
ALTER TABLE users ADD COLUMN mail TEXT;
