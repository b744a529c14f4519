// CRSocket client for browsers. MIT OR Apache-2.0.

/** Which of the two apps a page is. */
export type ClientRole = "controller" | "responder";

/** The state of a crSocket: the first of these that its facts do not rule out. */
export type State = "passive" | "readyToConnect" | "connecting" | "readyToPair" | "searching" | "interacting";

/** States that have something in common. Paired are also connected, and connected are also active. */
export type Metastate = "active" | "connected" | "paired";

/** A state, and why it is no better one; `""` where there is nothing to say. */
export interface StateAndWhy {
  readonly state: State;
  readonly subState: string;
}

/** What clients send each other. */
export interface CrEvent {
  readonly eventType: string;
  readonly eventSubType: string;
  readonly eventParams: readonly string[];
  readonly buffered: boolean;
  readonly logged: boolean;
  readonly interceptable: boolean;
  /** When it left its sender, by the sender's clock: milliseconds since 1970, or null. */
  readonly sendCt: number | null;
  /** When it came, by the clock of this device. */
  readonly receiveCt: number | null;
  readonly senderClientId: string | null;
}

export interface CrEventOptions {
  /** Explains the type: characters of `0-9A-Za-z`. */
  subType?: string;
  /** Any strings without a comma. Numbers become text. */
  params?: readonly (string | number)[];
  /** Kept while offline, and sent when the two are paired again, instead of dropped. Default: false. */
  buffered?: boolean;
  /** Kept by the server. Default: false. */
  logged?: boolean;
  /** Interceptors of the server may see it. Default: true. */
  interceptable?: boolean;
}

/** How far a crEvent has come: `understood` by the server is as far as it can be known. */
export type Fate = "queued" | "buffered" | "sent" | "understood" | "refused" | "dropped" | "lost" | "unconfirmed";

/** A crEvent that was not delivered, or of which nobody knows (`unconfirmed`). */
export class CrEventError extends Error {
  readonly fate: "refused" | "dropped" | "lost" | "unconfirmed";
  /** A word of the protocol, such as `noPartnerClientId`, `offline` or `noConnection`, or the status of the server's answer. */
  readonly why: string | number;
  readonly crEvent: CrEvent;
}

/** Lengths of time in milliseconds, by their published names, and two bounds. */
export interface Timing {
  serverInteractionCompleteDt: number;
  minCrEventDt: number;
  interactingMaxEventOutDt: number;
  searchingMaxEventOutDt: number;
  partnerActiveMaxEventInDt: number;
  invalidClientIdRetryDt: number;
  eventSourceSendAliveDt: number;
  sendAnswerDt: number;
  helloMaxDt: number;
  unassignWaitDt: number;
  releaseDt: number;
  maxEventDataLength: number;
  maxQueued: number;
}

export interface CrSocketOptions {
  role: ClientRole;
  /** Who the user is. May be assigned later. */
  accessToken?: string | null;
  /** Whose partner this is. May be assigned later; a responder is found by its controller. */
  partnerClientId?: string | null;
  /** The address of the app's resources. Default: `../` seen from the page, which lies in `controller/` or `responder/`. */
  server?: string | URL;
  /** This client's id. Default: the one that this browser keeps for this app and role; a new one where there is none. */
  clientId?: string;
  /** Whether to keep the clientId in local storage. Default: true, unless `clientId` is given. */
  keepClientId?: boolean;
  /** Whether visible, online and unloading follow the page and the browser. Default: true. */
  followPage?: boolean;
  timing?: Partial<Timing>;
}

export interface CrSocketEventMap {
  /** The state or subState changed. */
  statechange: CustomEvent<{ from: StateAndWhy; to: StateAndWhy }>;
  /** The clientId changed: one was kept, or the server gave one, or it was assigned. */
  clientidchange: CustomEvent<{ clientId: string | null }>;
  /** Another partner, or none: assigned here, or by a ping that a responder got. */
  partnerchange: CustomEvent<{ partnerClientId: string | null }>;
  /** A crEvent of the partner; also `ping`, `inactive`, `unassign` and `reject`. */
  crevent: CustomEvent<CrEvent>;
  /** What became of a crEvent that was sent. */
  fate: CustomEvent<{ crEvent: CrEvent; fate: Fate; why: string | number | null }>;
}

/** One end of a channel between a controller and a responder. */
export class CrSocket extends EventTarget {
  constructor(options: CrSocketOptions);

  readonly role: ClientRole;
  readonly state: State;
  readonly subState: string;
  /** `active`, `connected`, `paired`: those that hold. */
  readonly metastates: ReadonlySet<Metastate>;

  /** Six digits, or null while there is none. Assigning null asks the server for a new one. */
  get clientId(): string | null;
  set clientId(clientId: string | null);

  /** Assigning, the same too, is a new try after an abort. */
  get accessToken(): string | null;
  set accessToken(accessToken: string | null);

  /** Assigning, the same too, lifts a rejection; null lets the partner go. */
  get partnerClientId(): string | null;
  set partnerClientId(partnerClientId: string | null);

  /** The user's own switch. */
  paused: boolean;

  /** These follow the page, unless `followPage` is false. */
  visible: boolean;
  online: boolean;

  /**
   * Sends a crEvent to the partner. Resolves when the server has understood it; rejects with a {@link CrEventError}
   * where it was refused, dropped or lost, or nobody knows.
   */
  send(eventType: string, options?: CrEventOptions): Promise<CrEvent>;

  /**
   * Resolves once this state or metastate holds, at once where it does. Rejects with the signal's reason, with a
   * TypeError where there is no such state, and when the CrSocket is removed.
   */
  until(state: State | Metastate, options?: { signal?: AbortSignal }): Promise<StateAndWhy>;

  /** Says goodbye and ends for good. Resolves when the stream is closed and what was sent is answered, or its time is up. */
  remove(): Promise<void>;

  addEventListener<K extends keyof CrSocketEventMap>(
    type: K,
    listener: (this: CrSocket, event: CrSocketEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof CrSocketEventMap>(
    type: K,
    listener: (this: CrSocket, event: CrSocketEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}
