using KkiMesh.Matchmaking;

MatchmakingApp.Build(WebApplication.CreateBuilder(args)).Run();
