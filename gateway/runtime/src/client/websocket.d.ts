/**
 * The browser's own WebSocket, and in everything like it; but where something between takes
 * upgrades away, it goes on over plain requests to the same address (docs/websocket.md).
 */
declare const GatewayWebSocket: typeof globalThis.WebSocket;
export { GatewayWebSocket as WebSocket, GatewayWebSocket as default };
