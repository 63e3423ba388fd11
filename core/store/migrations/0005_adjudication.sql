-- How discordant reads of a study's slide were settled. The last row of a kind for a slide stands.

CREATE TABLE adjudication (
    sequence BIGINT PRIMARY KEY,
    event_id VARCHAR NOT NULL UNIQUE CHECK (length(event_id) BETWEEN 1 AND 100),
    study_id VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    slide_id VARCHAR NOT NULL REFERENCES slide (slide_id),
    adjudicator_id VARCHAR NOT NULL CHECK (length(adjudicator_id) > 0),
    kind VARCHAR NOT NULL CHECK (kind IN ('third read', 'joint read')),
    stage VARCHAR NOT NULL CHECK (stage IN ('0', '1', '1a', '1b', '1c', '2', '3', '4')),
    reason VARCHAR NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    guide_version INTEGER,
    settled_at TIMESTAMP NOT NULL,
    printed_name VARCHAR NOT NULL,
    meaning VARCHAR NOT NULL CHECK (meaning = 'adjudicated'),
    signed_sha256 VARCHAR NOT NULL CHECK (length(signed_sha256) = 64),
    FOREIGN KEY (study_id, version) REFERENCES study_version (study_id, number)
);

CREATE TRIGGER adjudication_is_never_updated AFTER UPDATE ON adjudication FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: adjudication');
CREATE TRIGGER adjudication_is_never_deleted AFTER DELETE ON adjudication FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: adjudication');
