// What the browser's own cryptography lacks: the entry that
// tools/build-page-library makes conf/page/lib/noble.mjs from.

export { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
export { ristretto255_oprf } from '@noble/curves/ed25519.js';
