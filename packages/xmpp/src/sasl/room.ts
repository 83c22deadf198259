/** SASL's messages are short and soon forgotten: they are written one behind the other, for memory of its own costs each several times as much. */
let place = new Uint8Array(8192)
let used = 0

/** More than this is not worth a place here. */
export const mostRoom = 1024

/** Where `most` bytes can be written, to be `taken`. */
export function room(most: number): Uint8Array<ArrayBuffer> {
  if (used + most > place.length) {
    place = new Uint8Array(place.length)
    used = 0
  }
  return place.subarray(used)
}

/** The first `length` bytes of the room that was given last: whoever asked keeps them. */
export function taken(length: number): Uint8Array<ArrayBuffer> {
  return place.subarray(used, (used += length))
}
