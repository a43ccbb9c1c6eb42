//! Reads business systems over HTTP: polls REST and OData, and listens for webhooks.
