/**
 * The tables, as steps from one version of a store to the next; a step that was released never changes. Times are Unix milliseconds; digests are text. What the rows point to lies as files beside the database;
 * a row is only written after its file has reached the disk.
 */
export const MIGRATIONS: readonly string[] = [
  `
-- Content under blobs/: manifests, configs, compressed layers, and the plain tars of layers.
CREATE TABLE blobs (
  digest TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  added_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Which content keeps which alive: index -> manifest -> config and layers, compressed layer -> plain tar.
CREATE TABLE links (
  parent TEXT NOT NULL,
  child TEXT NOT NULL,
  PRIMARY KEY (parent, child)
) WITHOUT ROWID;

-- Plain tars that are layers.
CREATE TABLE layers (
  diff_id TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  content_bytes INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  needs_parent INTEGER NOT NULL
) WITHOUT ROWID;

-- The same layers as they travelled: compressed.
CREATE TABLE compressed (
  digest TEXT PRIMARY KEY,
  diff_id TEXT NOT NULL
) WITHOUT ROWID;

-- Images: a manifest or an index, and what lists show of it.
CREATE TABLE images (
  digest TEXT PRIMARY KEY,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  image_id TEXT NOT NULL,
  summary TEXT NOT NULL,
  added_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX images_by_id ON images (image_id);

CREATE TABLE names (
  name TEXT PRIMARY KEY,
  digest TEXT NOT NULL REFERENCES images (digest),
  tagged_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX names_by_digest ON names (digest);

-- Manifests with a subject, and their entries in its list of referrers.
CREATE TABLE referrers (
  subject TEXT NOT NULL,
  digest TEXT NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (subject, digest)
) WITHOUT ROWID;

-- Build cache: the key document says why a later build hits or misses.
CREATE TABLE steps (
  key TEXT PRIMARY KEY,
  op_key TEXT NOT NULL,
  document TEXT NOT NULL,
  result TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  uses INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX steps_by_op ON steps (op_key);
CREATE TABLE step_layers (
  key TEXT NOT NULL REFERENCES steps (key) ON DELETE CASCADE,
  diff_id TEXT NOT NULL,
  PRIMARY KEY (key, diff_id)
) WITHOUT ROWID;

-- What was learnt at some cost and can be learnt again: file digests of a context, digests inside layers, probes.
CREATE TABLE memos (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  used_at INTEGER NOT NULL,
  PRIMARY KEY (kind, key)
) WITHOUT ROWID;

CREATE TABLE containers (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  image_digest TEXT NOT NULL,
  record TEXT NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Who is at work, and what collection must not take from them.
CREATE TABLE leases (
  id TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  touched_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE lease_items (
  lease TEXT NOT NULL REFERENCES leases (id) ON DELETE CASCADE,
  digest TEXT NOT NULL,
  PRIMARY KEY (lease, digest)
) WITHOUT ROWID;
`,
  `
-- What a step is called, what kind it is, and when it had ended, for lists and explanations.
ALTER TABLE steps ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE steps ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE steps ADD COLUMN ended_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX steps_by_label ON steps (label);
CREATE INDEX step_layers_by_layer ON step_layers (diff_id);

-- Steps that are no longer remembered, and why: so that a miss can say that there once was a result.
CREATE TABLE evicted_steps (
  key TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  evicted_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX evicted_steps_by_time ON evicted_steps (evicted_at);
`,
  `
-- Cache mounts of RUN: what makes each the cache that it is; its files lie in a folder of this key.
CREATE TABLE cache_mounts (
  key TEXT PRIMARY KEY,
  namespace TEXT NOT NULL,
  id TEXT NOT NULL,
  identity TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  uses INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX cache_mounts_by_id ON cache_mounts (id);
`,
  `
-- Builds that were done here: what was built, how it went, step by step, and why steps missed the cache. Their logs lie
-- in builds/<id>/. One without an end, whose lease is gone, was cut off. The definition tells which builds are compared;
-- one that did not get to its steps has none.
CREATE TABLE build_records (
  id TEXT PRIMARY KEY,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  lease TEXT NOT NULL,
  log_bytes INTEGER NOT NULL,
  definition TEXT,
  record TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX build_records_by_start ON build_records (started_at);
CREATE INDEX build_records_by_definition ON build_records (definition, started_at);
`,
  `
-- When the run began that wrote the layers, where that was an earlier one than the step's; 0 elsewhere.
ALTER TABLE steps ADD COLUMN began_at INTEGER NOT NULL DEFAULT 0;
`,
  `
-- Uploads to registries that were cut off, to go on with.
CREATE TABLE uploads (
  repository TEXT NOT NULL,
  digest TEXT NOT NULL,
  location TEXT NOT NULL,
  sent INTEGER NOT NULL,
  size INTEGER NOT NULL,
  saved_at INTEGER NOT NULL,
  PRIMARY KEY (repository, digest)
) WITHOUT ROWID;

-- Repositories of registries that a blob was seen in: from there it can be had without sending it.
CREATE TABLE blob_places (
  digest TEXT NOT NULL,
  domain TEXT NOT NULL,
  path TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (digest, domain, path)
) WITHOUT ROWID;
`,
]

/** The version of a store that this program writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length
