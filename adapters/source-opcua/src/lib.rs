//! Reads machines over OPC UA: values, alarms and conditions.
