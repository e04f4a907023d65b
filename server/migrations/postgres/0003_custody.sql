-- What ended: epochs whose keys are destroyed, insurers that are never answered again, keys that were replaced.

CREATE TABLE retired_epochs (
    epoch BYTEA  NOT NULL PRIMARY KEY REFERENCES epochs (epoch),
    at    BIGINT NOT NULL
);

CREATE TABLE revoked_insurers (
    insurer BYTEA  NOT NULL PRIMARY KEY REFERENCES insurers (id),
    at      BIGINT NOT NULL
);

-- One row for each renewal: what the insurer had before it, which is never accepted again under any name.
CREATE TABLE former_keys (
    insurer     BYTEA  NOT NULL REFERENCES insurers (id),
    certificate BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(certificate) = 32),
    signing_key BYTEA  NOT NULL CHECK (octet_length(signing_key) = 32),
    at          BIGINT NOT NULL
);
