import { http } from './http.ts'
import { management } from './management.ts'
import { markup } from './markup.ts'
import { order } from './order.ts'
import { logins } from './sasl.ts'
import { slow } from './slow.ts'
import { stanzas } from './stanzas.ts'
import { text } from './text.ts'
import { tls } from './tls.ts'
import { webSocket } from './websocket.ts'

/** All bad streams, by topic. The slow ones come first: they wait while the others work. */
export const corpus = { slow, markup, text, order, logins, stanzas, management, webSocket, http, tls }
