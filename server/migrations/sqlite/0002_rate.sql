-- Evaluations that an insurer may have in a minute; 0 stands for what the configuration says.
ALTER TABLE insurers ADD COLUMN rate BIGINT NOT NULL DEFAULT 0 CHECK (rate >= 0);
