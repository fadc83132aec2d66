using KkiMesh.HelpDesk;

HelpDeskApp.Build(args).Run();
