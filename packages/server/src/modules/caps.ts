import { createHash } from 'node:crypto'
import { Caps, CapsHashes, capsHashNode, capsHashText, capsNs, capsText, DiscoInfo } from '@jackdaw/xmpp'
import { defineModule } from '../module.ts'
import { disco } from './disco.ts'

/** Stands for the software: what it can do is asked for as `node#ver`. */
const node = 'urn:jackdaw:server'

/** Spares clients the question what the server can do: its answer's hash stands in the stream features. */
export const caps = defineModule({
  name: 'caps',
  xeps: ['XEP-0115 1.6.0', 'XEP-0390 0.3.2'],
  needs: [disco],
  features: { server: [capsNs, CapsHashes.ns] },
  start(host) {
    const { server, onNodes } = host.use(disco)

    // Modules come and go, and logins are rare: it is made anew each time.
    const ver = () => createHash('sha1').update(capsText(server())).digest('base64')

    // §6.3: before it has logged in, a client cannot ask.
    host.streamFeature({
      name: 'entity capabilities',
      needs: ['authenticated'],
      offer: () => Caps.write({ hash: 'sha-1', node, ver: ver() }),
    })

    const hash = () =>
      createHash('sha256')
        .update(capsHashText(DiscoInfo.write(server()))!)
        .digest('base64')

    // XEP-0390 §5.2
    host.streamFeature({
      name: 'entity capabilities 2.0',
      needs: ['authenticated'],
      offer: () => CapsHashes.write(new Map([['sha-256', hash()]])),
    })

    const isOurs = (asked: string) => asked === capsHashNode('sha-256', hash()) || asked === `${node}#${ver()}`
    host.onStop(onNodes({ info: (asked) => (isOurs(asked) ? server() : undefined) }))
  },
})
