// An OPC UA server of node-opcua with one alarm and low limits, for the tests of source-opcua.
//
// usage: node opcua_server.js PORT STEERING_PORT [key=value ...]
//   refresh=no    ConditionRefresh is not offered
//   sessions=N    the most sessions (3)
//
// The steering port takes one line at a time and answers with one:
//   level NUMBER | again | overflow | sessions | services
const net = require("net");
const fs = require("fs");
const path = require("path");
const ua = require("node-opcua");

const [port, steering] = process.argv.slice(2, 4).map(Number);
const words = process.argv.slice(4);
if (fs.existsSync("options")) words.push(...fs.readFileSync("options", "utf8").split("\n").filter(Boolean));
const options = Object.fromEntries(words.map((word) => word.split("=")));
const services = {};
const methods = {};

function count(request) {
  const name = request.constructor.name;
  services[name] = (services[name] || 0) + 1;
  for (const call of request.methodsToCall || []) {
    const id = call.methodId.toString().replace("ns=0;", "");
    methods[id] = (methods[id] || 0) + 1;
  }
}

async function main() {
  const server = new ua.OPCUAServer({
    port, host: "127.0.0.1", hostname: "127.0.0.1", alternateHostname: ["127.0.0.1"], resourcePath: "/plant",
    nodeset_filename: [ua.nodesets.standard],
    securityPolicies: [ua.SecurityPolicy.None, ua.SecurityPolicy.Basic256Sha256, ua.SecurityPolicy.Aes256_Sha256_RsaPss],
    securityModes: [ua.MessageSecurityMode.None, ua.MessageSecurityMode.SignAndEncrypt],
    allowAnonymous: true,
    serverCertificateManager: new ua.OPCUACertificateManager({
      automaticallyAcceptUnknownCertificate: true, rootFolder: path.resolve("pki"),
    }),
    serverCapabilities: {
      maxSessions: Number(options.sessions || 3), maxSubscriptionsPerSession: 2, maxSubscriptions: 6,
      maxMonitoredItemsPerSubscription: 10, maxMonitoredItems: 50,
      operationLimits: { maxNodesPerRead: 5, maxNodesPerBrowse: 5, maxMonitoredItemsPerCall: 3 },
    },
    buildInfo: { productName: "portevoix peer", manufacturerName: "portevoix" },
  });
  await server.initialize();
  server.on("request", count);
  const space = server.engine.addressSpace;
  const own = space.getOwnNamespace();
  if (options.refresh !== "no") space.installAlarmsAndConditionsService();
  const objects = space.rootFolder.objects;
  const tank = own.addObject({
    browseName: "Tank 12", nodeId: "s=Tank", organizedBy: objects, eventSourceOf: objects.server, eventNotifier: 1,
  });
  const level = own.addVariable({
    componentOf: tank, browseName: "Level", nodeId: "s=Level", dataType: "Double", minimumSamplingInterval: 50,
  });
  const set = (value) => level.setValueFromSource({ dataType: "Double", value });
  set(50);
  for (let number = 0; number < 30; number += 1) {
    own.addVariable({
      componentOf: tank, browseName: `Spare ${number}`, nodeId: `s=Spare${number}`, dataType: "Double",
      minimumSamplingInterval: 50, value: { dataType: "Double", value: number },
    });
  }
  const alarm = own.instantiateExclusiveLimitAlarm("ExclusiveLimitAlarmType", {
    browseName: "LevelAlarm", nodeId: "s=LevelAlarm", conditionSource: tank, inputNode: level, componentOf: tank,
    highHighLimit: 90, highLimit: 80, lowLimit: 20, lowLowLimit: 10,
  });
  alarm.conditionName.setValueFromSource({ dataType: "String", value: "Level of tank 12" });

  function steer(line) {
    const [word, ...rest] = line.split(" ");
    switch (word) {
      case "level": set(Number(rest[0])); return "ok";
      case "again": alarm.raiseNewBranchState(alarm.currentBranch()); return "ok";
      case "overflow": objects.server.raiseEvent("EventQueueOverflowEventType", {}); return "ok";
      case "sessions": return String(server.engine.currentSessionCount);
      case "services": return JSON.stringify({ services, methods });
      default: return `unknown: ${word}`;
    }
  }
  net.createServer((socket) => {
    let rest = "";
    socket.on("error", () => {});
    socket.on("data", (data) => {
      const lines = (rest + data).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        let answer;
        try { answer = steer(line); } catch (error) { answer = `error: ${error}`; }
        socket.write(`${answer}\n`);
      }
    });
  }).listen(steering, "127.0.0.1");
  await server.start();
  console.log("listening");
}

main().catch((error) => { console.error(error); process.exit(1); });
