/**
 * Bytes of an event stream to messages, as WHATWG HTML 9.2.6 has it: UTF-8 decoding, the last event id that lives on
 * between events, and a bound on what an unfinished event may hold. No I/O; one reader for each connection.
 */
import { createParser } from "eventsource-parser";

/** A batch of 64 KiB of one-byte lines is about 8 million characters of JSON. */
export const LONGEST_EVENT_CHARACTERS = 16 * 1024 * 1024;

export interface Message {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** An event grew beyond its bound before it ended. */
export class EventTooLongError extends Error {
  constructor() {
    super("the server sent an event that does not end");
    this.name = "EventTooLongError";
  }
}

export class EventReader {
  /** The id at the last blank line, "" if there was none: an event that was cut off has not moved it. */
  lastEventId: string;
  /** Leaves the byte order mark to the parser, which takes one off: with both of them at it, two would go. */
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #parser: ReturnType<typeof createParser>;

  constructor(
    onMessage: (message: Message) => void,
    lastEventId = "",
    longestEventCharacters = LONGEST_EVENT_CHARACTERS,
  ) {
    this.lastEventId = lastEventId;
    this.#parser = createParser({
      maxBufferSize: longestEventCharacters,
      onId: (id) => {
        this.lastEventId = id;
      },
      onEvent: ({ event, data }) => {
        onMessage({ type: event ?? "message", data, lastEventId: this.lastEventId });
      },
      onError: ({ type }) => {
        // Unknown fields and odd `retry` values are not errors for an event stream: they are ignored.
        if (type === "max-buffer-size-exceeded") throw new EventTooLongError();
      },
    });
  }

  /** Takes the next bytes, cut anywhere. Throws EventTooLongError, and whatever `onMessage` throws. */
  feed(bytes: Uint8Array): void {
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
  }
}
