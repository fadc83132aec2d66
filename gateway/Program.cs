using KkiMesh.Gateway;

GatewayApp.Build(args).Run();
