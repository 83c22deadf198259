import type { DatabaseSync } from 'node:sqlite'
import { StorageError } from './storage.ts'

/** 'JKDW': the database is ours. */
const APPLICATION = 0x4a4b4457

/**
 * Forward only: a released migration is never edited, a new one is added behind it. `position` is the greatest log id ever given, also
 * when its entry is gone; `id * 1024` is never before `at`, so that a start time bounds ids. `state`: 0 kept, 1 kept and
 * pending, 2 only pending.
 */
const migrations: readonly string[] = [
  `CREATE TABLE progress (cursor INTEGER NOT NULL, position INTEGER NOT NULL);
   INSERT INTO progress VALUES (0, 0);
   CREATE TABLE stores (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
   CREATE TABLE maps (store INTEGER, owner TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (store, owner, key)) WITHOUT ROWID;
   CREATE INDEX maps_key ON maps (store, key, owner);
   CREATE TABLE logs (
     id INTEGER PRIMARY KEY, store INTEGER NOT NULL, owner TEXT NOT NULL, at INTEGER NOT NULL,
     peer TEXT, state INTEGER NOT NULL, value TEXT NOT NULL
   );
   CREATE INDEX logs_owner ON logs (store, owner, id, at) WHERE state < 2;
   CREATE INDEX logs_peer ON logs (store, owner, peer, id, at) WHERE state < 2 AND peer IS NOT NULL;
   CREATE INDEX logs_pending ON logs (store, owner, id) WHERE state > 0;`,
  // Addresses as numbers: half of the cost of an entry was to find the places of long keys in the indexes.
  `CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
   INSERT INTO names (name) SELECT owner FROM logs UNION SELECT peer FROM logs WHERE peer IS NOT NULL;
   ALTER TABLE logs RENAME TO named_logs;
   DROP INDEX logs_owner; DROP INDEX logs_peer; DROP INDEX logs_pending;
   CREATE TABLE logs (
     id INTEGER PRIMARY KEY, store INTEGER NOT NULL, owner INTEGER NOT NULL, at INTEGER NOT NULL,
     peer INTEGER, state INTEGER NOT NULL, value TEXT NOT NULL
   );
   INSERT INTO logs SELECT l.id, store, o.id, at, p.id, state, value
     FROM named_logs AS l JOIN names AS o ON o.name = owner LEFT JOIN names AS p ON p.name = peer ORDER BY l.id;
   DROP TABLE named_logs;
   CREATE INDEX logs_owner ON logs (store, owner, id, at) WHERE state < 2;
   CREATE INDEX logs_peer ON logs (store, owner, peer, id, at) WHERE state < 2 AND peer IS NOT NULL;
   CREATE INDEX logs_pending ON logs (store, owner, id) WHERE state > 0;`,
  // The words of searchable entries, under the entries' ids.
  `CREATE VIRTUAL TABLE texts USING fts5(text, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
   CREATE TRIGGER logs_text AFTER DELETE ON logs WHEN old.state < 2 BEGIN DELETE FROM texts WHERE rowid = old.id; END;`,
  // The indexes as tables of their own: all entries of a transaction go into them at its end, in their order. One by one they cost twice as much.
  `DROP INDEX logs_owner; DROP INDEX logs_peer; DROP TRIGGER logs_text;
   CREATE TABLE shelves (
     store INTEGER NOT NULL, owner INTEGER NOT NULL, id INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (store, owner, id)
   ) WITHOUT ROWID;
   CREATE TABLE peers (
     store INTEGER NOT NULL, owner INTEGER NOT NULL, peer INTEGER NOT NULL, id INTEGER NOT NULL, at INTEGER NOT NULL,
     PRIMARY KEY (store, owner, peer, id)
   ) WITHOUT ROWID;
   INSERT INTO shelves SELECT store, owner, id, at FROM logs WHERE state < 2 ORDER BY store, owner, id;
   INSERT INTO peers SELECT store, owner, peer, id, at FROM logs WHERE state < 2 AND peer IS NOT NULL ORDER BY store, owner, peer, id;
   CREATE TRIGGER logs_gone AFTER DELETE ON logs WHEN old.state < 2 BEGIN
     DELETE FROM shelves WHERE store = old.store AND owner = old.owner AND id = old.id;
     DELETE FROM peers WHERE store = old.store AND owner = old.owner AND peer = old.peer AND id = old.id;
     DELETE FROM texts WHERE rowid = old.id;
   END;`,
  // An entry with the value `=` has that of the entry right before it, which hands it on when it goes or gets another.
  `CREATE TRIGGER logs_handed_on AFTER DELETE ON logs WHEN old.value <> '=' BEGIN
     UPDATE logs SET value = old.value WHERE id = (SELECT id FROM logs WHERE id > old.id ORDER BY id LIMIT 1) AND value = '=';
   END;
   CREATE TRIGGER logs_replaced AFTER UPDATE OF value ON logs WHEN old.value <> '=' BEGIN
     UPDATE logs SET value = old.value WHERE id = (SELECT id FROM logs WHERE id > old.id ORDER BY id LIMIT 1) AND value = '=';
   END;`,
]

/** The schema of this version. */
export const newestSchema = migrations.length

/** The schema that a database has. @throws {StorageError} when it is not one of ours, or of a later version */
export function schemaOf(database: DatabaseSync, path: string): number {
  const version = pragma(database, 'user_version')
  if (version > newestSchema) {
    throw new StorageError(
      `The database ${path} was written by a newer Jackdaw (schema ${version}, this one knows ${newestSchema}): install that version again or a later one.`,
    )
  }
  const isForeign = pragma(database, 'application_id') !== APPLICATION
  if (isForeign && (version > 0 || database.prepare('SELECT 1 FROM sqlite_schema').get())) {
    throw new StorageError(`The database ${path} belongs to another program: name another file.`)
  }
  return version
}

/** Brings the database to the newest schema; `onUpgrade` hears before it when there is one already. */
export function migrate(database: DatabaseSync, path: string, onUpgrade?: (sentence: string) => void): void {
  const version = schemaOf(database, path)
  if (version === newestSchema) return
  if (version > 0)
    onUpgrade?.(
      `The database ${path} is brought from schema ${version} to ${newestSchema}; with millions of messages it takes minutes.`,
    )
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const migration of migrations.slice(version)) database.exec(migration)
    database.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${newestSchema}; COMMIT`)
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function pragma(database: DatabaseSync, name: string): number {
  return Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0] as number
}
