//! Reads exports of business systems from a folder or over SFTP.
