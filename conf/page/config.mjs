// What this page is made for: change it for a gateway of your own.

// Drawing certificates, reading and sending should be three host names, so
// that they never share a connection.  The quick start has only one.
export const ORIGINS = {
    issue: location.origin, read: location.origin, send: location.origin,
};

// classes of conf/quick-start.conf
export const OPENER = 'opener';
export const SENDER = 'verified';

// certificates to draw; a conversation keeps to one of them
export const SENDERS = 4;

// the operator's status page, which only a demonstration shows to everybody
export const STATUS = '/status';
