import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** A connection with its prepared statements and the numbers of the stores. */
export class SqliteReader {
  readonly database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #stores = new Map<string, number>()

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

  /** After a rollback: stores made in the transaction are gone. */
  forgetStores(): void {
    this.#stores.clear()
  }
}
