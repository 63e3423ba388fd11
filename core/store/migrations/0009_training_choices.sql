-- What a training set is made of, kept under a name. The last row of a name stands.

CREATE TABLE training_choice (
    sequence BIGINT PRIMARY KEY,
    name VARCHAR NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    choice_sha256 VARCHAR NOT NULL CHECK (length(choice_sha256) = 64),
    choice_json VARCHAR NOT NULL,
    kept_by VARCHAR NOT NULL CHECK (length(kept_by) > 0),
    kept_at TIMESTAMP NOT NULL
);

CREATE TRIGGER training_choice_is_never_updated AFTER UPDATE ON training_choice FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: training_choice');
CREATE TRIGGER training_choice_is_never_deleted AFTER DELETE ON training_choice FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: training_choice');
