-- How a fast run made sure of its stages. NULL: not a fast run, or one from before it was recorded.

ALTER TABLE run ADD COLUMN second_pass_json VARCHAR;
