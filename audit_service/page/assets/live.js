/** Live stream: events as they arrive, gone on with after whatever cut it off. */

import { queryOf, root } from "./store.js";
import { settled, warn } from "./notices.js";
import { SESSION_HAS_ENDED, jsonOf } from "./api.js";

const RETRY_SECONDS = 2;
const HIDDEN_SECONDS = 60;

/** A stream of what matches, after a position. Whoever is not looked at for long is closed. */
export class Stream {
  #filters;
  #position;
  #onText;
  #source;
  #timer;
  #isOver = false;

  /** `onText` is called with the JSON of each record. */
  constructor(filters, after, onText) {
    this.#filters = filters;
    this.#position = after;
    this.#onText = onText;
    document.addEventListener("visibilitychange", this.#look);
    this.#open();
  }

  close() {
    this.#isOver = true;
    document.removeEventListener("visibilitychange", this.#look);
    this.#shut();
  }

  #open = () => {
    this.#shut();
    const query = queryOf([...this.#filters, ["after", this.#position]]);
    this.#source = new EventSource(`${root}/v1/events/stream${query}`);
    this.#source.addEventListener("open", () => settled("Connected again"));
    this.#source.addEventListener("error", this.#lost);
    this.#source.addEventListener("message", ({ data, lastEventId }) => {
      this.#position = Number(lastEventId);
      this.#onText(data);
    });
  };

  #shut() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  // The browser itself tries again, unless it was answered something else than a stream.
  #lost = async () => {
    const isClosed = this.#source?.readyState === EventSource.CLOSED;
    warn("The connection is lost. It comes back by itself.");
    if (!isClosed) return;
    this.#shut();
    if (await hasSessionEnded()) warn(SESSION_HAS_ENDED);
    else if (!this.#isOver) this.#timer = setTimeout(this.#open, RETRY_SECONDS * 1000);
  };

  #look = () => {
    clearTimeout(this.#timer);
    if (document.hidden) this.#timer = setTimeout(() => this.#shut(), HIDDEN_SECONDS * 1000);
    else if (!this.#source) this.#open();
  };
}

async function hasSessionEnded() {
  try {
    await jsonOf("/v1/status");
    return false;
  } catch (error) {
    return error.status === 401;
  }
}
