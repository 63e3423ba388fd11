-- How exactly a run is, or was, computed. NULL: exactly, as all were before there was a choice.

ALTER TABLE run ADD COLUMN mode VARCHAR;
ALTER TABLE job ADD COLUMN mode VARCHAR;
