-- The audit log (SPEC.md, "Audit log"): its entries, and the nodes of the tree over them. Neither is ever changed.

-- How many entries there are, and the roots of the perfect subtrees over them, largest first, 32 bytes each.
ALTER TABLE meta ADD COLUMN log_size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN log_roots BLOB NOT NULL DEFAULT X'';

CREATE TABLE log_entries (
    place BIGINT NOT NULL PRIMARY KEY CHECK (place >= 0),
    bytes BLOB   NOT NULL CHECK (length(bytes) <= 1024)
);

-- The roots of perfect subtrees: the place-th of 2^level leaves. Level 0 holds the leaves.
CREATE TABLE log_nodes (
    level BIGINT NOT NULL CHECK (level >= 0),
    place BIGINT NOT NULL CHECK (place >= 0),
    hash  BLOB   NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, place)
);

-- Where a charge stands in the log, so that a repeat is answered with its receipt.
ALTER TABLE charges ADD COLUMN entry BIGINT NOT NULL DEFAULT -1;

-- One row: the catalog that all servers of this ledger serve, a signed object.
CREATE TABLE catalog (
    sequence BIGINT NOT NULL PRIMARY KEY CHECK (sequence > 0),
    bytes    BLOB   NOT NULL
);

-- Manifests that a catalog has named, and so the log.
CREATE TABLE released (
    manifest BLOB NOT NULL PRIMARY KEY CHECK (length(manifest) = 32)
);
