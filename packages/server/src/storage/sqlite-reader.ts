import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** So many names are remembered with their numbers. */
const remembered = 65_536

/** A connection with its prepared statements and the numbers of stores and names. */
export class SqliteReader {
  readonly database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #changes = new Map<string, StatementSync>()
  readonly #stores = new Map<string, number>()
  readonly #names = new Map<string, number>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  /** Prepared once; rows come as arrays, which cost half of what objects cost. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.database.prepare(sql)
      statement.setReturnArrays(true)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** Returns how many rows were changed. */
  run(sql: string, ...values: (string | number | null)[]): number {
    let statement = this.#changes.get(sql)
    if (!statement) {
      statement = this.database.prepare(sql)
      // The result also tells the last row id of any table; those within the index of words are beyond what a number can say.
      statement.setReadBigInts(true)
      this.#changes.set(sql, statement)
    }
    return Number(statement.run(...values).changes)
  }

  // The caller knows the columns of its own SQL.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  row<Row extends unknown[]>(sql: string, ...values: (string | number)[]): Row | undefined {
    return this.statement(sql).get(...values) as unknown as Row | undefined
  }

  rows<Row extends unknown[]>(sql: string, ...values: (string | number)[]): Row[] {
    return this.statement(sql).all(...values) as unknown as Row[]
  }

  /** Rows read one by one; nothing else may use the statement meanwhile. */
  each<Row extends unknown[]>(sql: string, ...values: (string | number)[]): Iterable<Row> {
    return this.statement(sql).iterate(...values) as unknown as Iterable<Row>
  }

  /** The number of a store, or undefined while nothing was ever kept in it. */
  store(name: string): number | undefined {
    let id = this.#stores.get(name)
    if (id === undefined) {
      id = this.row<[number]>('SELECT id FROM stores WHERE name = ?', name)?.[0]
      if (id !== undefined) this.#stores.set(name, id)
    }
    return id
  }

  /** The number of an owner's or a peer's name, or undefined while nothing was ever kept under it. */
  name(name: string): number | undefined {
    let id = this.#names.get(name)
    if (id === undefined) {
      id = this.row<[number]>('SELECT id FROM names WHERE name = ?', name)?.[0]
      if (id === undefined) return undefined
      if (this.#names.size >= remembered) this.#names.clear()
      this.#names.set(name, id)
    }
    return id
  }

  /** After a rollback: what was made in the transaction is gone. */
  forget(): void {
    this.#stores.clear()
    this.#names.clear()
  }
}
