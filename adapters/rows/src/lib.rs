//! What sources of records share: cells become values, rows become records.
