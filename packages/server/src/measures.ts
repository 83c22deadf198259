import { existsSync, readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerMetrics } from './metrics.ts'
import { number } from './modules/version.ts'
import type { CertificateFacts } from './transport/certificate.ts'

interface Measured {
  /** Of the router, since the start. */
  readonly counts: Readonly<
    Record<'messages' | 'presences' | 'iqs' | 'errors' | 'faults' | 'bound' | 'resumed' | 'ended', number>
  >
  /** Of tokens of a product, since the start. */
  readonly bearer: Readonly<Record<'refused' | 'outages', number>>
  /** What cannot be written at present, and how often since the start input began to wait for that. */
  readonly troubles: { readonly size: number }
  readonly troubled: () => number
  /** `strangers`: how many have not logged in. */
  readonly port: {
    readonly connections: number
    readonly strangers: number
    readonly logins: number
    readonly attempts: { readonly total: number }
  }
  readonly components: {
    readonly connected: number
    readonly size: number
    readonly attempts: { readonly total: number }
    readonly counts: { readonly received: number; readonly sent: number }
  }
  readonly refused: () => number
  readonly sessions: Iterable<{
    readonly isDetached: boolean
    readonly unacknowledged: number
    readonly held: { readonly stanzas: number }
  }> & { readonly size: number }
  readonly hosts: ReadonlyMap<
    string,
    {
      readonly accounts: {
        readonly made: number
        readonly removed: number
        readonly upgraded: number
        readonly tokens: { readonly uses: number }
      }
      readonly audit: { readonly acts: number }
    }
  >
  readonly certificates: () => readonly CertificateFacts[]
  /** HTTP responses by the class of their status: '2xx'. */
  readonly answered: ReadonlyMap<string, number>
  readonly journal: { readonly last: number }
  readonly database: { readonly applied: number }
  /** The data folder; undefined when data is in memory only. */
  readonly data: string | undefined
}

/** What an operator is to see of the server as a whole. */
export function measure(metrics: ServerMetrics, about: Measured): void {
  const { counts, bearer, components, hosts, port, sessions } = about
  metrics.gauges('jackdaw_build_info', 'Always 1; tells the version', 'version', () => [[number, 1]])

  metrics.gauge('jackdaw_connections', 'Client connections that are open', () => port.connections)
  metrics.counter('jackdaw_connections_refused_total', 'Connections refused because a cap was reached', about.refused)
  metrics.counter('jackdaw_logins_total', 'Clients that logged in', () => port.logins)
  metrics.counter('jackdaw_login_failures_total', 'Logins refused', () => port.attempts.total)
  metrics.counter('jackdaw_token_logins_total', 'Logins with a token in place of a password', () => {
    let uses = 0
    for (const { accounts } of hosts.values()) uses += accounts.tokens.uses
    return uses
  })
  metrics.gauge('jackdaw_components', 'Components that are connected', () => components.connected)
  metrics.gauge('jackdaw_components_configured', 'Components that the configuration names', () => components.size)
  metrics.counter(
    'jackdaw_component_failures_total',
    'Handshakes of components that were not made of the secret',
    () => components.attempts.total,
  )
  metrics.counter(
    'jackdaw_component_stanzas_received_total',
    'Stanzas that components have sent',
    () => components.counts.received,
  )
  metrics.counter(
    'jackdaw_component_stanzas_sent_total',
    'Stanzas handed over to components',
    () => components.counts.sent,
  )
  metrics.gauge('jackdaw_healthy', '1 while all is well, 0 while /health has reasons', () =>
    about.troubles.size === 0 ? 1 : 0,
  )
  metrics.gauge('jackdaw_sessions', 'Sessions, with or without a connection', () => sessions.size)
  metrics.counter('jackdaw_messages_total', 'Messages sent by clients', () => counts.messages)
  metrics.counter('jackdaw_presences_total', 'Presences sent by clients', () => counts.presences)
  metrics.counter('jackdaw_iqs_total', 'IQ stanzas sent by clients', () => counts.iqs)
  metrics.counter('jackdaw_stanza_errors_total', 'Stanzas answered with an error', () => counts.errors)
  metrics.gauge('jackdaw_journal_batch', 'Number of the last batch in the journal', () => about.journal.last)
  metrics.gauge(
    'jackdaw_journal_applied',
    'Number of the last batch that is in the database',
    () => about.database.applied,
  )
  metrics.gauge(
    'jackdaw_connections_unauthenticated',
    'Client connections that have not logged in',
    () => port.strangers,
  )
  metrics.counter('jackdaw_sessions_bound_total', 'Sessions that began', () => counts.bound)
  metrics.counter('jackdaw_sessions_resumed_total', 'Sessions that another connection carried on', () => counts.resumed)
  metrics.counter('jackdaw_sessions_ended_total', 'Sessions that ended for good', () => counts.ended)
  const sum = (value: (session: typeof sessions extends Iterable<infer S> ? S : never) => number) => () => {
    let total = 0
    for (const session of sessions) total += value(session)
    return total
  }
  metrics.gauge(
    'jackdaw_sessions_detached',
    'Sessions without a connection, which wait to be resumed',
    sum(({ isDetached }) => (isDetached ? 1 : 0)),
  )
  metrics.gauge(
    'jackdaw_stanzas_unacknowledged',
    'Stanzas handed to sessions that their clients have not acknowledged',
    sum(({ unacknowledged }) => unacknowledged),
  )
  metrics.gauge(
    'jackdaw_stanzas_held',
    'Stanzas kept back while nobody looks at a client',
    sum(({ held }) => held.stanzas),
  )
  metrics.counter(
    'jackdaw_stanza_faults_total',
    'Stanzas that could not be handled by a fault of the server, which the log tells',
    () => counts.faults,
  )

  const perHost =
    (
      read: (host: {
        readonly accounts: { made: number; removed: number; upgraded: number }
        readonly audit: { acts: number }
      }) => number,
    ) =>
    () =>
      [...hosts].map(([domain, host]) => [domain, read(host)] as const)
  metrics.counters(
    'jackdaw_accounts_created_total',
    'Accounts made',
    'host',
    perHost(({ accounts }) => accounts.made),
  )
  metrics.counters(
    'jackdaw_accounts_removed_total',
    'Accounts removed',
    'host',
    perHost(({ accounts }) => accounts.removed),
  )
  metrics.counters(
    'jackdaw_accounts_upgraded_total',
    'Accounts to which a client gave the keys that new ones have',
    'host',
    perHost(({ accounts }) => accounts.upgraded),
  )
  metrics.counters(
    'jackdaw_administrative_acts_total',
    'Acts in the audit log',
    'host',
    perHost(({ audit }) => audit.acts),
  )
  metrics.counter('jackdaw_bearer_refused_total', 'Tokens of a product that were refused', () => bearer.refused)
  metrics.counter(
    'jackdaw_bearer_outages_total',
    "Logins with a product's token that failed because its keys could not be had",
    () => bearer.outages,
  )

  metrics.counters(
    'jackdaw_http_responses_total',
    'HTTP responses, by the class of their status',
    'code',
    () => about.answered,
  )
  metrics.gauges('jackdaw_certificate_expiry_timestamp_seconds', 'When the certificate of a host ends', 'host', () =>
    about.certificates().map(({ domain, certificate }) => [domain, certificate.validToDate.getTime() / 1000]),
  )

  metrics.counter(
    'jackdaw_write_failures_total',
    'How often journal or database could not be written, and input began to wait',
    about.troubled,
  )
  const { data } = about
  if (data === undefined) return
  metrics.gauge('jackdaw_journal_bytes', 'Size of the parts of the journal that are still needed', () => {
    const folder = join(data, 'journal')
    if (!existsSync(folder)) return 0
    return readdirSync(folder).reduce((total, file) => total + sizeOf(join(folder, file)), 0)
  })
  metrics.gauge('jackdaw_database_bytes', 'Size of the database with its write-ahead log', () => {
    const file = join(data, 'jackdaw.db')
    return sizeOf(file) + sizeOf(`${file}-wal`)
  })
  metrics.gauge('jackdaw_data_free_bytes', 'Room that is left where the data lies', () => {
    // Who has taken it away is told by /health.
    if (!existsSync(data)) return 0
    const { bavail, bsize } = statfsSync(data)
    return bavail * bsize
  })
}

/** 0 for what has just gone. */
function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
