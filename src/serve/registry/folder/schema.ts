/**
 * The registry's tables, as steps from one version to the next; a step that was released never changes. Times are Unix
 * milliseconds. Bytes of blobs lie as files beside the database; a row is written after its file has reached the disk.
 */
export const MIGRATIONS: readonly string[] = [
  `
-- used_bytes: what the repository's manifests and blobs take, each counted once per repository; kept by triggers.
CREATE TABLE repositories (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  used_bytes INTEGER NOT NULL DEFAULT 0,
  settings TEXT NOT NULL DEFAULT '{}'
);

-- state: 'ok', or 'deleting' while collection takes the file away; a blob in that state is not there.
CREATE TABLE blobs (
  digest TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_linked_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'ok'
) WITHOUT ROWID;

-- Through which repositories a blob can be read.
CREATE TABLE repo_blobs (
  repo INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
  digest TEXT NOT NULL REFERENCES blobs (digest),
  size INTEGER NOT NULL,
  linked_at INTEGER NOT NULL,
  PRIMARY KEY (repo, digest)
) WITHOUT ROWID;
CREATE INDEX repo_blobs_by_digest ON repo_blobs (digest, repo);

-- entry: its line in the list of referrers of its subject (JSON).
CREATE TABLE manifests (
  repo INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
  digest TEXT NOT NULL,
  media_type TEXT NOT NULL,
  artifact_type TEXT,
  subject TEXT,
  entry TEXT,
  config_digest TEXT,
  bytes BLOB NOT NULL,
  size INTEGER NOT NULL,
  pushed_at INTEGER NOT NULL,
  pushed_by TEXT,
  pulled_at INTEGER,
  PRIMARY KEY (repo, digest)
);
CREATE INDEX manifests_by_subject ON manifests (repo, subject, digest) WHERE subject IS NOT NULL;
CREATE INDEX manifests_by_push ON manifests (repo, pushed_at);

-- What a manifest names. kind: 'config', 'layer' (blobs), 'manifest' (entries of an index).
CREATE TABLE manifest_refs (
  repo INTEGER NOT NULL,
  parent TEXT NOT NULL,
  child TEXT NOT NULL,
  kind TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  place INTEGER NOT NULL,
  PRIMARY KEY (repo, parent, child),
  FOREIGN KEY (repo, parent) REFERENCES manifests (repo, digest) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX manifest_refs_by_child ON manifest_refs (repo, child);

CREATE TABLE tags (
  repo INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT,
  immutable INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (repo, name),
  FOREIGN KEY (repo, digest) REFERENCES manifests (repo, digest)
) WITHOUT ROWID;
CREATE INDEX tags_by_digest ON tags (repo, digest);

-- Every change of a tag; without a digest it was removed.
CREATE TABLE tag_history (
  id INTEGER PRIMARY KEY,
  repo INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  digest TEXT,
  changed_at INTEGER NOT NULL,
  changed_by TEXT
);
CREATE INDEX tag_history_by_tag ON tag_history (repo, name, changed_at);

-- written: bytes that are known to be on the disk; boot: the boot of the machine in which the file was last written.
CREATE TABLE uploads (
  id TEXT PRIMARY KEY,
  repository TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  written INTEGER NOT NULL DEFAULT 0,
  boot TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  started_by TEXT
) WITHOUT ROWID;
CREATE INDEX uploads_by_time ON uploads (updated_at);

-- What may have become garbage, and when to look. kind: 'blob', 'manifest'; repo 0: the file of a blob of no repository.
CREATE TABLE gc_queue (
  kind TEXT NOT NULL,
  repo INTEGER NOT NULL,
  digest TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  PRIMARY KEY (kind, repo, digest)
) WITHOUT ROWID;
CREATE INDEX gc_queue_by_time ON gc_queue (due_at);

-- Accounts for programs: only a hash of the secret is kept. rights: JSON.
CREATE TABLE robots (
  name TEXT PRIMARY KEY,
  secret_hash TEXT NOT NULL,
  rights TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  created_by TEXT,
  expires_at INTEGER,
  used_at INTEGER,
  disabled INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- What happened, for those that want to be told; written in the transaction of what happened. body: JSON.
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  happened_at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  repository TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE TABLE deliveries (
  event INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
  hook TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL,
  error TEXT,
  PRIMARY KEY (event, hook)
) WITHOUT ROWID;
CREATE INDEX deliveries_by_time ON deliveries (due_at);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  happened_at INTEGER NOT NULL,
  actor TEXT,
  action TEXT NOT NULL,
  repository TEXT,
  reference TEXT,
  outcome TEXT NOT NULL,
  remote TEXT,
  detail TEXT
);
CREATE INDEX audit_by_time ON audit (happened_at);

CREATE TRIGGER repo_blobs_added AFTER INSERT ON repo_blobs BEGIN
  UPDATE repositories SET used_bytes = used_bytes + NEW.size WHERE id = NEW.repo;
END;
CREATE TRIGGER repo_blobs_removed AFTER DELETE ON repo_blobs BEGIN
  UPDATE repositories SET used_bytes = used_bytes - OLD.size WHERE id = OLD.repo;
END;
CREATE TRIGGER manifests_added AFTER INSERT ON manifests BEGIN
  UPDATE repositories SET used_bytes = used_bytes + NEW.size WHERE id = NEW.repo;
END;
CREATE TRIGGER manifests_removed AFTER DELETE ON manifests BEGIN
  UPDATE repositories SET used_bytes = used_bytes - OLD.size WHERE id = OLD.repo;
END;
`,
  `
-- What upkeep knows between runs: cursors, last runs, totals. value: JSON.
CREATE TABLE upkeep_state (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- Work that another process asks the server for, since only one may use the folder. options, result: JSON.
CREATE TABLE upkeep_tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  options TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  done_at INTEGER,
  result TEXT
);
CREATE INDEX upkeep_tasks_open ON upkeep_tasks (id) WHERE done_at IS NULL;

-- A namespace is the first component of names. What its repositories hold, each thing once; kept by triggers.
ALTER TABLE repositories ADD COLUMN namespace TEXT
  GENERATED ALWAYS AS (substr(name, 1, instr(name || '/', '/') - 1)) VIRTUAL;
CREATE TABLE namespaces (
  name TEXT PRIMARY KEY,
  used_bytes INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE namespace_content (
  namespace TEXT NOT NULL,
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  links INTEGER NOT NULL,
  PRIMARY KEY (namespace, digest)
) WITHOUT ROWID;
CREATE TRIGGER namespace_content_added AFTER INSERT ON namespace_content BEGIN
  INSERT INTO namespaces VALUES (NEW.namespace, NEW.size)
    ON CONFLICT (name) DO UPDATE SET used_bytes = used_bytes + excluded.used_bytes;
END;
CREATE TRIGGER namespace_content_removed AFTER DELETE ON namespace_content BEGIN
  UPDATE namespaces SET used_bytes = used_bytes - OLD.size WHERE name = OLD.namespace;
END;
INSERT INTO namespace_content
  SELECT r.namespace, c.digest, max(c.size), count(*)
  FROM (SELECT repo, digest, size FROM repo_blobs UNION ALL SELECT repo, digest, size FROM manifests) c
  JOIN repositories r ON r.id = c.repo GROUP BY 1, 2;
CREATE TRIGGER repo_blobs_added_to_namespace AFTER INSERT ON repo_blobs BEGIN
  INSERT INTO namespace_content SELECT namespace, NEW.digest, NEW.size, 1 FROM repositories WHERE id = NEW.repo
    ON CONFLICT (namespace, digest) DO UPDATE SET links = links + 1;
END;
CREATE TRIGGER repo_blobs_removed_from_namespace AFTER DELETE ON repo_blobs BEGIN
  UPDATE namespace_content SET links = links - 1
    WHERE namespace = (SELECT namespace FROM repositories WHERE id = OLD.repo) AND digest = OLD.digest;
  DELETE FROM namespace_content
    WHERE namespace = (SELECT namespace FROM repositories WHERE id = OLD.repo) AND digest = OLD.digest AND links = 0;
END;
CREATE TRIGGER manifests_added_to_namespace AFTER INSERT ON manifests BEGIN
  INSERT INTO namespace_content SELECT namespace, NEW.digest, NEW.size, 1 FROM repositories WHERE id = NEW.repo
    ON CONFLICT (namespace, digest) DO UPDATE SET links = links + 1;
END;
CREATE TRIGGER manifests_removed_from_namespace AFTER DELETE ON manifests BEGIN
  UPDATE namespace_content SET links = links - 1
    WHERE namespace = (SELECT namespace FROM repositories WHERE id = OLD.repo) AND digest = OLD.digest;
  DELETE FROM namespace_content
    WHERE namespace = (SELECT namespace FROM repositories WHERE id = OLD.repo) AND digest = OLD.digest AND links = 0;
END;

-- What lists show of images, read from their configs when they were pushed.
CREATE TABLE image_facts (
  config_digest TEXT PRIMARY KEY,
  platform TEXT,
  created_at INTEGER
) WITHOUT ROWID;

CREATE INDEX blobs_not_ok ON blobs (state) WHERE state <> 'ok';
CREATE INDEX manifests_by_pull ON manifests (repo, pulled_at);
CREATE INDEX repositories_by_update ON repositories (updated_at, name);
`,
]
