-- Which of an account's messages a look at a list has shown: ids with a blank between.
ALTER TABLE accesses ADD COLUMN messages text NOT NULL DEFAULT '';
