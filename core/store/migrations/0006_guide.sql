-- The annotation guide: each version whole, and the examples pinned from slides. The last row of a pin stands.

CREATE TABLE guide_version (
    sequence BIGINT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE CHECK (number > 0),
    content_json VARCHAR NOT NULL,
    change VARCHAR NOT NULL CHECK (length(change) > 0),
    made_by VARCHAR NOT NULL CHECK (length(made_by) > 0),
    made_at TIMESTAMP NOT NULL
);

CREATE TABLE guide_pin (
    sequence BIGINT PRIMARY KEY,
    event_id VARCHAR NOT NULL UNIQUE CHECK (length(event_id) BETWEEN 1 AND 100),
    pin_id VARCHAR NOT NULL,
    slide_id VARCHAR NOT NULL REFERENCES slide (slide_id),
    x_px BIGINT NOT NULL,
    y_px BIGINT NOT NULL,
    width_px BIGINT NOT NULL CHECK (width_px > 0),
    height_px BIGINT NOT NULL CHECK (height_px > 0),
    stage VARCHAR NOT NULL CHECK (stage IN ('0', '1a', '1b', '1c', '2', '3', '4')),
    caption VARCHAR NOT NULL CHECK (length(caption) <= 300),
    is_withdrawn BOOLEAN NOT NULL,
    pinned_by VARCHAR NOT NULL CHECK (length(pinned_by) > 0),
    pinned_at TIMESTAMP NOT NULL
);

CREATE TRIGGER guide_version_is_never_updated AFTER UPDATE ON guide_version FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: guide_version');
CREATE TRIGGER guide_version_is_never_deleted AFTER DELETE ON guide_version FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: guide_version');
CREATE TRIGGER guide_pin_is_never_updated AFTER UPDATE ON guide_pin FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: guide_pin');
CREATE TRIGGER guide_pin_is_never_deleted AFTER DELETE ON guide_pin FOR EACH STATEMENT
    INSERT INTO append_only_guard SELECT error('append-only: guide_pin');
