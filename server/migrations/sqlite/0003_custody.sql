-- What ended: epochs whose keys are destroyed, insurers that are never answered again, keys that were replaced.

CREATE TABLE retired_epochs (
    epoch BLOB   NOT NULL PRIMARY KEY REFERENCES epochs (epoch),
    at    BIGINT NOT NULL
);

CREATE TABLE revoked_insurers (
    insurer BLOB   NOT NULL PRIMARY KEY REFERENCES insurers (id),
    at      BIGINT NOT NULL
);

-- One row for each renewal: what the insurer had before it, which is never accepted again under any name.
CREATE TABLE former_keys (
    insurer     BLOB   NOT NULL REFERENCES insurers (id),
    certificate BLOB   NOT NULL PRIMARY KEY CHECK (length(certificate) = 32),
    signing_key BLOB   NOT NULL CHECK (length(signing_key) = 32),
    at          BIGINT NOT NULL
);
