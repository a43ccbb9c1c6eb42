// An edge node of Tahu's own JavaScript library: sparkplug_edge.js MODULES PORT. Every second message is packed with GZIP.
const [modules, port] = process.argv.slice(2);
const sparkplug = require(modules + '/sparkplug-client');

const client = sparkplug.newClient({
    serverUrl: 'tcp://127.0.0.1:' + port, groupId: 'Usine1', edgeNode: 'ligne-4', clientId: 'tahu-' + port,
    version: 'spBv1.0', keepalive: 5, publishDeath: true, username: '', password: '',
});
const node = () => ({ timestamp: Date.now(), metrics: [
    { name: 'Node Control/Rebirth', type: 'Boolean', value: false },
    { name: 'kpi', type: 'DataSet', value: {
        numOfColumns: 2, types: ['String', 'Double'], columns: ['k', 'v'], rows: [['oee', 0.81], ['mtbf', 41.5]] } },
] });
const lathe = () => ({ timestamp: Date.now(), metrics: [
    { name: 'Inputs/speed', type: 'Float', value: 12.5, properties: {
        engUnit: { type: 'String', value: 'm/min' }, Quality: { type: 'Int32', value: 192 } } },
    { name: 'Motor', type: 'Template', value: { templateRef: 'MotorT', isDefinition: false, metrics: [
        { name: 'rpm', type: 'Int32', value: 1450 }] } },
    { name: 'started', type: 'DateTime', value: 1772366400000 },
    { name: 'total', type: 'UInt64', value: 5000000000 },
] });
const born = () => { client.publishNodeBirth(node()); client.publishDeviceBirth('tour-2', lathe()); };
client.on('birth', () => { born(); console.log('runs'); });
client.on('ncmd', payload => {
    if (payload.metrics.some(metric => metric.name === 'Node Control/Rebirth' && metric.value)) born();
});
let count = 0;
setInterval(() => {
    count += 1;
    const data = { timestamp: Date.now(), metrics: [{ name: 'Inputs/speed', type: 'Float', value: count }] };
    client.publishDeviceData('tour-2', data, count % 2 ? {} : { compress: true, algorithm: 'GZIP' });
}, 100);
