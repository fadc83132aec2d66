Console.Error.WriteLine("There is no bench yet.");
return 2;
