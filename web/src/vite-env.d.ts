/// <reference types="vite/client" />

/** The version of the broker this page was built for. */
declare const __RELAYCAST_VERSION__: string;
