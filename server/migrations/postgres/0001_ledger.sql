-- The ledger, first schema. Times are Unix seconds, amounts are evaluations. No personal data.

-- One row. A change of the register begins with adding one to its revision, which takes the lock.
CREATE TABLE meta (
    ledger   BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(ledger) = 16),
    revision BIGINT NOT NULL
);

-- Tells a ledger from any other database.
COMMENT ON TABLE meta IS 'Blindlist ledger';

CREATE TABLE insurers (
    id          BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    name        TEXT   COLLATE "C" NOT NULL UNIQUE,
    certificate BYTEA  NOT NULL UNIQUE CHECK (octet_length(certificate) = 32),
    -- Unique, so that no request is enrolled under two names with a budget for each.
    signing_key BYTEA  NOT NULL UNIQUE CHECK (octet_length(signing_key) = 32),
    status      TEXT   NOT NULL CHECK (status IN ('active', 'suspended')),
    budget      BIGINT NOT NULL CHECK (budget >= 0),
    created     BIGINT NOT NULL
);

CREATE TABLE epochs (
    epoch BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(epoch) = 32)
);

-- One row for each insurer and epoch. spent is the sum of the charges.
CREATE TABLE accounts (
    insurer BYTEA  NOT NULL REFERENCES insurers (id),
    epoch   BYTEA  NOT NULL REFERENCES epochs (epoch),
    granted BIGINT NOT NULL CHECK (granted >= 0),
    spent   BIGINT NOT NULL CHECK (spent >= 0),
    PRIMARY KEY (insurer, epoch)
);

CREATE TABLE charges (
    insurer   BYTEA  NOT NULL,
    epoch     BYTEA  NOT NULL,
    digest    BYTEA  NOT NULL CHECK (octet_length(digest) = 32),
    job       BYTEA  NOT NULL CHECK (octet_length(job) = 16),
    number    BIGINT NOT NULL CHECK (number >= 0),
    count     BIGINT NOT NULL CHECK (count > 0),
    signature BYTEA  NOT NULL CHECK (octet_length(signature) = 64),
    at        BIGINT NOT NULL,
    PRIMARY KEY (insurer, epoch, digest),
    FOREIGN KEY (insurer, epoch) REFERENCES accounts (insurer, epoch)
);
