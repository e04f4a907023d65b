-- The ledger, first schema. Times are Unix seconds, amounts are evaluations. No personal data.

-- "BlLe": tells a ledger from any other SQLite file.
PRAGMA application_id = 1114393701;

-- One row. A change of the register begins with adding one to its revision, which takes the lock.
CREATE TABLE meta (
    ledger   BLOB   NOT NULL PRIMARY KEY CHECK (length(ledger) = 16),
    revision BIGINT NOT NULL
);

CREATE TABLE insurers (
    id          BLOB   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name        TEXT   NOT NULL UNIQUE,
    certificate BLOB   NOT NULL UNIQUE CHECK (length(certificate) = 32),
    -- Unique, so that no request is enrolled under two names with a budget for each.
    signing_key BLOB   NOT NULL UNIQUE CHECK (length(signing_key) = 32),
    status      TEXT   NOT NULL CHECK (status IN ('active', 'suspended')),
    budget      BIGINT NOT NULL CHECK (budget >= 0),
    created     BIGINT NOT NULL
);

CREATE TABLE epochs (
    epoch BLOB NOT NULL PRIMARY KEY CHECK (length(epoch) = 32)
);

-- One row for each insurer and epoch. spent is the sum of the charges.
CREATE TABLE accounts (
    insurer BLOB   NOT NULL REFERENCES insurers (id),
    epoch   BLOB   NOT NULL REFERENCES epochs (epoch),
    granted BIGINT NOT NULL CHECK (granted >= 0),
    spent   BIGINT NOT NULL CHECK (spent >= 0),
    PRIMARY KEY (insurer, epoch)
);

CREATE TABLE charges (
    insurer   BLOB   NOT NULL,
    epoch     BLOB   NOT NULL,
    digest    BLOB   NOT NULL CHECK (length(digest) = 32),
    job       BLOB   NOT NULL CHECK (length(job) = 16),
    number    BIGINT NOT NULL CHECK (number >= 0),
    count     BIGINT NOT NULL CHECK (count > 0),
    signature BLOB   NOT NULL CHECK (length(signature) = 64),
    at        BIGINT NOT NULL,
    PRIMARY KEY (insurer, epoch, digest),
    FOREIGN KEY (insurer, epoch) REFERENCES accounts (insurer, epoch)
);
