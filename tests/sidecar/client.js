// A client as the leader-elector image's users have written it since 2016: it asks the sidecar of its Pod every
// five seconds who the master is, keeps the last answer, and serves that on port 8080.
var http = require('http');

var master = {};

var keepAnswer = function (response) {
  var data = '';
  response.on('data', function (piece) { data = data + piece; });
  response.on('end', function () { master = JSON.parse(data); });
};

var updateMaster = function () {
  var request = http.get({ host: 'localhost', path: '/', port: 4040 }, keepAnswer);
  request.on('error', function (error) { console.log('problem with request: ' + error.message); });
};

updateMaster();
setInterval(updateMaster, 5000);

http.createServer(function (request, response) {
  response.writeHead(200);
  response.end('Master is ' + master.name);
}).listen(8080, 'localhost');
