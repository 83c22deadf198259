import { createHash } from 'node:crypto'
import { Caps, CapsHashes, capsHashNode, capsHashText, capsNs, capsText, DiscoInfo, type Element } from '@jackdaw/xmpp'
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

    let described: DiscoInfo | undefined
    let ver = ''
    let hash = ''
    let withVer: Element
    let withHash: Element
    /** Hashes what the server is, when that is another than before. */
    const look = (): DiscoInfo => {
      const info = server()
      if (info === described) return info
      described = info
      ver = createHash('sha1').update(capsText(info)).digest('base64')
      hash = createHash('sha256')
        .update(capsHashText(DiscoInfo.write(info))!)
        .digest('base64')
      withVer = Caps.write({ hash: 'sha-1', node, ver })
      withHash = CapsHashes.write(new Map([['sha-256', hash]]))
      return info
    }

    // §6.3: before it has logged in, a client cannot ask.
    host.streamFeature({
      name: 'entity capabilities',
      needs: ['authenticated'],
      offer() {
        look()
        return withVer
      },
    })

    // XEP-0390 §5.2
    host.streamFeature({
      name: 'entity capabilities 2.0',
      needs: ['authenticated'],
      offer() {
        look()
        return withHash
      },
    })

    host.onStop(
      onNodes({
        info(asked) {
          const info = look()
          return asked === capsHashNode('sha-256', hash) || asked === `${node}#${ver}` ? info : undefined
        },
      }),
    )
  },
})
