import { sqlitePlace } from './sqlite-place.ts'
import { storageSuite } from './suite.ts'

storageSuite('inline, journal in memory', () => sqlitePlace('inline', 'memory'))
storageSuite('inline, database in memory', () => sqlitePlace('inline', 'memory', { path: ':memory:' }))
storageSuite('inline, journal in files', () => sqlitePlace('inline', 'files'))
storageSuite('worker, journal in files', () => sqlitePlace('worker', 'files'))
