-- How a fast run made sure of its stages. NULL: not a fast run, or one from before it was recorded.

ALTER TABLE run ADD COLUMN second_pass_json VARCHAR;

-- The preparations of models for fast mode: one row where one begins and one where it ends. The last row of a model
-- stands; one that only begins was cut off.
CREATE TABLE fast_mode_event (
    sequence BIGINT PRIMARY KEY,
    model_id VARCHAR NOT NULL REFERENCES model (model_id),
    status VARCHAR NOT NULL CHECK (status IN ('begun', 'finished', 'failed', 'cancelled')),
    reason VARCHAR,
    measured_json VARCHAR,
    actor VARCHAR NOT NULL CHECK (length(actor) > 0),
    happened_at TIMESTAMP NOT NULL,
    CHECK ((status = 'finished') = (measured_json IS NOT NULL))
);

CREATE TRIGGER fast_mode_event_is_never_updated AFTER UPDATE ON fast_mode_event FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: fast_mode_event');
CREATE TRIGGER fast_mode_event_is_never_deleted AFTER DELETE ON fast_mode_event FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: fast_mode_event');
