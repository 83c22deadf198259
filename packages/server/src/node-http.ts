/**
 * Node's HTTP, without `import`: that reads everything which the module exports, a browser's WebSocket too, for which Node loads its
 * whole `fetch`.
 */
export const { Agent, STATUS_CODES, createServer, request } = process.getBuiltinModule('node:http')
