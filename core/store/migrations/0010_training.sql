-- Trainings: one row where one begins or goes on, and one where it ends. The last row of a training stands; one that
-- only begins was cut off, and can go on from its folder.

CREATE TABLE training_event (
    sequence BIGINT PRIMARY KEY,
    training_id VARCHAR NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('begun', 'finished', 'failed', 'cancelled')),
    set_path VARCHAR NOT NULL,
    set_sha256 VARCHAR NOT NULL,
    folder VARCHAR NOT NULL,
    configuration_json VARCHAR NOT NULL,
    reason VARCHAR,
    outcome_json VARCHAR,
    model_id VARCHAR,
    actor VARCHAR NOT NULL CHECK (length(actor) > 0),
    happened_at TIMESTAMP NOT NULL,
    CHECK ((status = 'finished') = (outcome_json IS NOT NULL)),
    CHECK (model_id IS NULL OR status = 'finished')
);

CREATE TRIGGER training_event_is_never_updated AFTER UPDATE ON training_event FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: training_event');
CREATE TRIGGER training_event_is_never_deleted AFTER DELETE ON training_event FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: training_event');

-- The training that a model came out of. Such a model is a candidate: it serves no new runs of itself. NULL: it was
-- brought in from outside.
ALTER TABLE model ADD COLUMN training_id VARCHAR;
